CREATE TABLE `overlap_checks` (
	`id` text PRIMARY KEY NOT NULL,
	`assessment_id` text NOT NULL,
	`run_id` text NOT NULL,
	`rows` integer,
	`compared` text,
	`measures` text,
	`checked_at` integer
);
--> statement-breakpoint
CREATE INDEX `overlap_checks_assessment` ON `overlap_checks` (`assessment_id`);--> statement-breakpoint
CREATE INDEX `overlap_checks_run` ON `overlap_checks` (`run_id`);--> statement-breakpoint
CREATE TABLE `overlaps` (
	`check_id` text NOT NULL,
	`candidate_id` text NOT NULL,
	`row` integer NOT NULL,
	`how` text NOT NULL,
	`level` text NOT NULL,
	`similarity` real NOT NULL,
	`has_question` integer NOT NULL,
	`has_answer` integer,
	`counts` integer NOT NULL,
	`source_id` text NOT NULL,
	`source` text NOT NULL,
	`source_row` integer NOT NULL,
	`found_question` text NOT NULL,
	`found_answer` text NOT NULL,
	PRIMARY KEY(`check_id`, `row`, `candidate_id`, `how`),
	FOREIGN KEY (`check_id`) REFERENCES `overlap_checks`(`id`) ON UPDATE no action ON DELETE cascade
);
