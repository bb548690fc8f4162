CREATE TABLE `image_requests` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text,
	`prompt` text NOT NULL,
	`model` text NOT NULL,
	`model_id` text NOT NULL,
	`ratio` text,
	`seed` integer,
	`count` integer NOT NULL,
	`made_places` text NOT NULL,
	`source_id` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `image_requests_project` ON `image_requests` (`project_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `images` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text,
	`sha256` text NOT NULL,
	`media_type` text NOT NULL,
	`width` integer NOT NULL,
	`height` integer NOT NULL,
	`size_bytes` integer NOT NULL,
	`prompt` text,
	`model` text,
	`model_id` text,
	`ratio` text,
	`seed` integer,
	`source_id` text,
	`file_name` text,
	`image_request_id` text,
	`place` integer,
	`cost_usd` real,
	`latency_ms` integer,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `images_project` ON `images` (`project_id`,`created_at`);--> statement-breakpoint
CREATE UNIQUE INDEX `images_place` ON `images` (`image_request_id`,`place`);