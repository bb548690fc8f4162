CREATE TABLE `answers` (
	`id` text PRIMARY KEY NOT NULL,
	`assessment_id` text NOT NULL,
	`candidate_id` text NOT NULL,
	`row` integer NOT NULL,
	`sent` text NOT NULL,
	`reference` text,
	`text` text,
	`error` text,
	`citations` text,
	`finish_reason` text,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cost_usd` real,
	`latency_ms` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`candidate_id`) REFERENCES `candidates`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `answers_place` ON `answers` (`candidate_id`,`row`);--> statement-breakpoint
CREATE INDEX `answers_assessment` ON `answers` (`assessment_id`,`row`);--> statement-breakpoint
CREATE TABLE `assessments` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`dataset_version_id` text NOT NULL,
	`dataset_name` text NOT NULL,
	`split` text,
	`sample` text NOT NULL,
	`rows` text,
	`question` text NOT NULL,
	`reference` text,
	`graders` text NOT NULL,
	`max_tokens` integer NOT NULL,
	`temperature` real NOT NULL,
	`user_id` text,
	`key_id` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `assessments_name` ON `assessments` (`project_id`,`name`);--> statement-breakpoint
CREATE TABLE `candidates` (
	`id` text PRIMARY KEY NOT NULL,
	`assessment_id` text NOT NULL,
	`place` integer NOT NULL,
	`name` text NOT NULL,
	`model_id` text NOT NULL,
	`system_prompt` text,
	`knowledge_bases` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `candidates_place` ON `candidates` (`assessment_id`,`place`);--> statement-breakpoint
CREATE TABLE `scores` (
	`answer_id` text NOT NULL,
	`grader` integer NOT NULL,
	`value` real,
	`detail` text,
	PRIMARY KEY(`answer_id`, `grader`),
	FOREIGN KEY (`answer_id`) REFERENCES `answers`(`id`) ON UPDATE no action ON DELETE no action
);
