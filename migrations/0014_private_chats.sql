ALTER TABLE `conversations` ADD `key_id` text;--> statement-breakpoint
ALTER TABLE `conversations` ADD `is_shared` integer DEFAULT false NOT NULL;--> statement-breakpoint
-- Which key made a conversation was not kept until now: what keys have made stays readable to all who could read it.
UPDATE `conversations` SET `is_shared` = 1 WHERE `user_id` IS NULL;
