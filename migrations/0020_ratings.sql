CREATE TABLE `ratings` (
	`id` text PRIMARY KEY NOT NULL,
	`assessment_id` text NOT NULL,
	`grader` integer NOT NULL,
	`row` integer NOT NULL,
	`answer_id` text NOT NULL,
	`other_id` text NOT NULL,
	`rater_id` text NOT NULL,
	`rater` text NOT NULL,
	`value` real NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`answer_id`) REFERENCES `answers`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `ratings_place` ON `ratings` (`answer_id`,`other_id`,`grader`,`rater_id`);--> statement-breakpoint
CREATE INDEX `ratings_assessment` ON `ratings` (`assessment_id`,`grader`,`row`);