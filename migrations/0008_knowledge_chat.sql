ALTER TABLE `conversations` ADD `knowledge_bases` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `messages` ADD `citations` text;