CREATE TABLE `confirmed_addresses` (
	`project_id` text NOT NULL,
	`host` text NOT NULL,
	`port` integer NOT NULL,
	`confirmed_by` text NOT NULL,
	`confirmed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `confirmed_addresses_host` ON `confirmed_addresses` (`project_id`,`host`,`port`);--> statement-breakpoint
CREATE TABLE `providers` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`url` text NOT NULL,
	`sealed_key` text,
	`timeout_ms` integer NOT NULL,
	`requests_per_minute` integer,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `providers_name` ON `providers` (`project_id`,`name`);--> statement-breakpoint
CREATE TABLE `third_party_models` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`provider_id` text NOT NULL,
	`name` text NOT NULL,
	`model` text NOT NULL,
	`abilities` text NOT NULL,
	`prices` text NOT NULL,
	`dimensions` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`provider_id`) REFERENCES `providers`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `third_party_models_provider` ON `third_party_models` (`provider_id`);