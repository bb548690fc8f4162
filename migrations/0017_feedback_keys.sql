ALTER TABLE `feedback` ADD `key_id` text;--> statement-breakpoint
-- Which key judged was not kept until now: what a key said of a conversation that a key made counts as its maker's.
UPDATE `feedback` SET `key_id` = (SELECT `key_id` FROM `conversations` WHERE `conversations`.`id` = `feedback`.`conversation_id`) WHERE `user_id` IS NULL;
