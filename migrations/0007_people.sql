CREATE TABLE `memberships` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text,
	`changed_at` integer,
	`changed_by` text,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `memberships_person` ON `memberships` (`project_id`,`user_id`);--> statement-breakpoint
CREATE INDEX `memberships_user` ON `memberships` (`user_id`);--> statement-breakpoint
CREATE TABLE `one_time_links` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`token_hash` text NOT NULL,
	`project_id` text NOT NULL,
	`role` text,
	`user_id` text,
	`note` text DEFAULT '' NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	`revoked_at` integer,
	`revoked_by` text,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `one_time_links_token` ON `one_time_links` (`token_hash`);--> statement-breakpoint
CREATE INDEX `one_time_links_project` ON `one_time_links` (`project_id`);--> statement-breakpoint
ALTER TABLE `projects` ADD `created_by` text;--> statement-breakpoint
ALTER TABLE `projects` ADD `archived_at` integer;--> statement-breakpoint
ALTER TABLE `projects` ADD `archived_by` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `project_id` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `user_agent` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `sessions` ADD `last_used_at` integer;--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`);--> statement-breakpoint
ALTER TABLE `users` ADD `created_by` text;--> statement-breakpoint
ALTER TABLE `users` ADD `disabled_at` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `disabled_by` text;--> statement-breakpoint
ALTER TABLE `trainers` ADD `project_id` text;--> statement-breakpoint
-- A key made before the first start had no project yet.
INSERT INTO `projects` (`id`, `name`, `created_at`)
	SELECT 'prj_' || lower(hex(randomblob(13))), 'Espalier', unixepoch() * 1000
	WHERE NOT EXISTS (SELECT 1 FROM `projects`)
		AND (EXISTS (SELECT 1 FROM `api_keys`) OR EXISTS (SELECT 1 FROM `users`));--> statement-breakpoint
-- Until now there was one project, and whoever signed in could do everything.
INSERT INTO `memberships` (`id`, `project_id`, `user_id`, `role`, `created_at`)
	SELECT 'mbr_' || lower(hex(randomblob(13))), (SELECT `id` FROM `projects` ORDER BY `id` LIMIT 1), `id`, 'owner', `created_at`
	FROM `users`;--> statement-breakpoint
CREATE TABLE `__new_api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`secret_hash` text NOT NULL,
	`prefix` text NOT NULL,
	`scopes` text NOT NULL,
	`created_at` integer NOT NULL,
	`user_id` text,
	`last_used_at` integer,
	`revoked_at` integer,
	`revoked_by` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);--> statement-breakpoint
INSERT INTO `__new_api_keys` (`id`, `project_id`, `name`, `secret_hash`, `prefix`, `scopes`, `created_at`, `last_used_at`, `revoked_at`)
	SELECT `id`, (SELECT `id` FROM `projects` ORDER BY `id` LIMIT 1), `name`, `secret_hash`, `prefix`, `scopes`, `created_at`, `last_used_at`, `revoked_at`
	FROM `api_keys`;--> statement-breakpoint
DROP TABLE `api_keys`;--> statement-breakpoint
ALTER TABLE `__new_api_keys` RENAME TO `api_keys`;--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_secret` ON `api_keys` (`secret_hash`);--> statement-breakpoint
CREATE INDEX `api_keys_name` ON `api_keys` (`project_id`,`name`);
