CREATE TABLE `judgements` (
	`id` text PRIMARY KEY NOT NULL,
	`assessment_id` text NOT NULL,
	`grader` integer NOT NULL,
	`row` integer NOT NULL,
	`answer_id` text NOT NULL,
	`other_id` text NOT NULL,
	`sent` text NOT NULL,
	`text` text,
	`error` text,
	`value` real,
	`reason` text,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cost_usd` real,
	`latency_ms` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`answer_id`) REFERENCES `answers`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `judgements_place` ON `judgements` (`answer_id`,`other_id`,`grader`);--> statement-breakpoint
CREATE INDEX `judgements_assessment` ON `judgements` (`assessment_id`,`grader`,`row`);--> statement-breakpoint
ALTER TABLE `assessments` ADD `concurrency` integer;--> statement-breakpoint
ALTER TABLE `assessments` ADD `answers_from` text;--> statement-breakpoint
ALTER TABLE `candidates` ADD `parameters` text DEFAULT '{}' NOT NULL;