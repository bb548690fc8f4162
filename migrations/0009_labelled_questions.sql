CREATE TABLE `labelled_questions` (
	`id` text PRIMARY KEY NOT NULL,
	`knowledge_base_id` text NOT NULL,
	`text` text NOT NULL,
	`relevant` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`knowledge_base_id`) REFERENCES `knowledge_bases`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `labelled_questions_text` ON `labelled_questions` (`knowledge_base_id`,`text`);--> statement-breakpoint
CREATE TABLE `retrieval_evaluations` (
	`id` text PRIMARY KEY NOT NULL,
	`knowledge_base_id` text NOT NULL,
	`k` integer NOT NULL,
	`settings` text NOT NULL,
	`results` text,
	`run_id` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`knowledge_base_id`) REFERENCES `knowledge_bases`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `retrieval_evaluations_base` ON `retrieval_evaluations` (`knowledge_base_id`);