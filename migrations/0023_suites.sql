CREATE TABLE `suite_entries` (
	`id` text PRIMARY KEY NOT NULL,
	`suite_id` text NOT NULL,
	`name` text NOT NULL,
	`definition` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`suite_id`) REFERENCES `suites`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `suite_entries_name` ON `suite_entries` (`suite_id`,`name`);--> statement-breakpoint
CREATE TABLE `suite_runs` (
	`suite_id` text NOT NULL,
	`number` integer NOT NULL,
	`place` integer NOT NULL,
	`entry` text NOT NULL,
	`dataset_name` text NOT NULL,
	`assessment_id` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`suite_id`, `number`, `place`),
	FOREIGN KEY (`suite_id`) REFERENCES `suites`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `suite_runs_assessment` ON `suite_runs` (`assessment_id`);--> statement-breakpoint
CREATE TABLE `suites` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `suites_name` ON `suites` (`project_id`,`name`);