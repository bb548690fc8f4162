CREATE TABLE `feedback` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text,
	`conversation_id` text NOT NULL,
	`kind` text NOT NULL,
	`verdict` text NOT NULL,
	`chosen_id` text,
	`replies` text NOT NULL,
	`is_blind` integer NOT NULL,
	`note` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`conversation_id`) REFERENCES `conversations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `feedback_conversation` ON `feedback` (`conversation_id`);--> statement-breakpoint
CREATE INDEX `feedback_project` ON `feedback` (`project_id`,`created_at`);--> statement-breakpoint
ALTER TABLE `conversations` ADD `lead_id` text;--> statement-breakpoint
ALTER TABLE `conversations` ADD `is_blind` integer DEFAULT false NOT NULL;