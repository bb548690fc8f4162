CREATE TABLE `usage` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`at` integer NOT NULL,
	`user_id` text,
	`key_id` text,
	`model_name` text NOT NULL,
	`model_id` text NOT NULL,
	`source` text NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cost_usd` real,
	`latency_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `usage_time` ON `usage` (`project_id`,`at`);