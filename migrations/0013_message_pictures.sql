CREATE TABLE `message_pictures` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`message_id` text,
	`position` integer NOT NULL,
	`name` text NOT NULL,
	`media_type` text NOT NULL,
	`width` integer NOT NULL,
	`height` integer NOT NULL,
	`size_bytes` integer NOT NULL,
	`sha256` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`message_id`) REFERENCES `messages`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `message_pictures_message` ON `message_pictures` (`message_id`,`position`);--> statement-breakpoint
-- Written by hand from here: the index in which conversations are searched. FTS5 numbers its texts, and the rows of a
-- table without a number of their own may be renumbered by VACUUM: chat_texts holds the number of each title and message.
CREATE TABLE `chat_texts` (
	`number` integer PRIMARY KEY,
	`text_of` text NOT NULL UNIQUE,
	`conversation_id` text NOT NULL
);
--> statement-breakpoint
CREATE VIRTUAL TABLE `chat_words` USING fts5(`text`, content='', contentless_delete=1, tokenize='trigram');
--> statement-breakpoint
INSERT INTO `chat_texts` (`text_of`, `conversation_id`) SELECT `id`, `id` FROM `conversations`;
--> statement-breakpoint
INSERT INTO `chat_texts` (`text_of`, `conversation_id`) SELECT `id`, `conversation_id` FROM `messages`;
--> statement-breakpoint
INSERT INTO `chat_words` (`rowid`, `text`) SELECT t.`number`, c.`title` FROM `chat_texts` t JOIN `conversations` c ON c.`id` = t.`text_of`;
--> statement-breakpoint
INSERT INTO `chat_words` (`rowid`, `text`) SELECT t.`number`, m.`text` FROM `chat_texts` t JOIN `messages` m ON m.`id` = t.`text_of`;
--> statement-breakpoint
CREATE TRIGGER `conversations_words_insert` AFTER INSERT ON `conversations` BEGIN
	INSERT INTO `chat_texts` (`text_of`, `conversation_id`) VALUES (new.`id`, new.`id`);
	INSERT INTO `chat_words` (`rowid`, `text`) SELECT `number`, new.`title` FROM `chat_texts` WHERE `text_of` = new.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `conversations_words_update` AFTER UPDATE OF `title` ON `conversations` WHEN new.`title` <> old.`title` BEGIN
	DELETE FROM `chat_words` WHERE `rowid` = (SELECT `number` FROM `chat_texts` WHERE `text_of` = new.`id`);
	INSERT INTO `chat_words` (`rowid`, `text`) SELECT `number`, new.`title` FROM `chat_texts` WHERE `text_of` = new.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `conversations_words_delete` AFTER DELETE ON `conversations` BEGIN
	DELETE FROM `chat_words` WHERE `rowid` = (SELECT `number` FROM `chat_texts` WHERE `text_of` = old.`id`);
	DELETE FROM `chat_texts` WHERE `text_of` = old.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `messages_words_insert` AFTER INSERT ON `messages` BEGIN
	INSERT INTO `chat_texts` (`text_of`, `conversation_id`) VALUES (new.`id`, new.`conversation_id`);
	INSERT INTO `chat_words` (`rowid`, `text`) SELECT `number`, new.`text` FROM `chat_texts` WHERE `text_of` = new.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `messages_words_update` AFTER UPDATE OF `text` ON `messages` WHEN new.`text` <> old.`text` BEGIN
	DELETE FROM `chat_words` WHERE `rowid` = (SELECT `number` FROM `chat_texts` WHERE `text_of` = new.`id`);
	INSERT INTO `chat_words` (`rowid`, `text`) SELECT `number`, new.`text` FROM `chat_texts` WHERE `text_of` = new.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `messages_words_delete` AFTER DELETE ON `messages` BEGIN
	DELETE FROM `chat_words` WHERE `rowid` = (SELECT `number` FROM `chat_texts` WHERE `text_of` = old.`id`);
	DELETE FROM `chat_texts` WHERE `text_of` = old.`id`;
END;
