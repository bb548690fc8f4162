ALTER TABLE `conversations` ADD `current_id` text;--> statement-breakpoint
ALTER TABLE `messages` ADD `parent_id` text;--> statement-breakpoint
ALTER TABLE `messages` ADD `model_id` text;--> statement-breakpoint
CREATE INDEX `messages_parent` ON `messages` (`parent_id`);--> statement-breakpoint
UPDATE `messages` SET `parent_id` = (
	SELECT p.`id` FROM `messages` p
	WHERE p.`conversation_id` = `messages`.`conversation_id` AND (p.`created_at`, p.`id`) < (`messages`.`created_at`, `messages`.`id`)
	ORDER BY p.`created_at` DESC, p.`id` DESC LIMIT 1
);--> statement-breakpoint
UPDATE `conversations` SET `current_id` = (
	SELECT m.`id` FROM `messages` m WHERE m.`conversation_id` = `conversations`.`id`
	ORDER BY m.`created_at` DESC, m.`id` DESC LIMIT 1
);
