CREATE TABLE `gate_overrides` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`model_id` text NOT NULL,
	`deployment_id` text NOT NULL,
	`name` text NOT NULL,
	`action` text NOT NULL,
	`alias` text,
	`held` text NOT NULL,
	`reason` text NOT NULL,
	`user_id` text,
	`key_id` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `gate_overrides_live` ON `gate_overrides` (`project_id`,`deployment_id`);--> statement-breakpoint
CREATE TABLE `gates` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`assessment_id` text NOT NULL,
	`assessment_name` text NOT NULL,
	`rule` text NOT NULL,
	`deployment_id` text,
	`user_id` text,
	`key_id` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `gates_name` ON `gates` (`project_id`,`name`);