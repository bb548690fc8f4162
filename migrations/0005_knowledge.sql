CREATE TABLE `chunks` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`index_number` integer NOT NULL,
	`document_id` text NOT NULL,
	`ordinal` integer NOT NULL,
	`text` text NOT NULL,
	`headings` text NOT NULL,
	`page_from` integer,
	`page_to` integer,
	`start` integer NOT NULL,
	`end` integer NOT NULL,
	`tokens` integer NOT NULL,
	`embedded` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `chunks_place` ON `chunks` (`index_number`,`document_id`,`ordinal`);--> statement-breakpoint
CREATE INDEX `chunks_document` ON `chunks` (`document_id`);--> statement-breakpoint
CREATE INDEX `chunks_embedded` ON `chunks` (`embedded`,`index_number`);--> statement-breakpoint
CREATE TABLE `document_texts` (
	`document_id` text PRIMARY KEY NOT NULL,
	`sha256` text NOT NULL,
	`packed` blob NOT NULL,
	FOREIGN KEY (`document_id`) REFERENCES `documents`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `documents` (
	`id` text PRIMARY KEY NOT NULL,
	`knowledge_base_id` text NOT NULL,
	`name` text NOT NULL,
	`sha256` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`state` text NOT NULL,
	`error` text,
	`run_id` text NOT NULL,
	`kind` text,
	`title` text,
	`pages` integer,
	`warnings` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`knowledge_base_id`) REFERENCES `knowledge_bases`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `documents_name` ON `documents` (`knowledge_base_id`,`name`);--> statement-breakpoint
CREATE INDEX `documents_content` ON `documents` (`knowledge_base_id`,`sha256`);--> statement-breakpoint
CREATE INDEX `documents_run` ON `documents` (`run_id`);--> statement-breakpoint
CREATE TABLE `indexed_documents` (
	`index_number` integer NOT NULL,
	`document_id` text NOT NULL,
	`sha256` text NOT NULL,
	`chunk_count` integer NOT NULL,
	PRIMARY KEY(`index_number`, `document_id`),
	FOREIGN KEY (`document_id`) REFERENCES `documents`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `indexed_documents_document` ON `indexed_documents` (`document_id`);--> statement-breakpoint
CREATE TABLE `knowledge_bases` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`index_number` integer NOT NULL,
	`retrieval` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `knowledge_bases_name` ON `knowledge_bases` (`project_id`,`name`);--> statement-breakpoint
CREATE TABLE `knowledge_indexes` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`knowledge_base_id` text NOT NULL,
	`state` text NOT NULL,
	`embedder` text NOT NULL,
	`dimensions` integer NOT NULL,
	`chunking` text NOT NULL,
	`run_id` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `knowledge_indexes_base` ON `knowledge_indexes` (`knowledge_base_id`);