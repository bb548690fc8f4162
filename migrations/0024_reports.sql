CREATE TABLE `assessment_reports` (
	`assessment_id` text PRIMARY KEY NOT NULL,
	`revision` integer NOT NULL,
	`report` text,
	`made_by` text
);
--> statement-breakpoint
-- Written by hand from here: whatever changes what a report is made from takes the kept one away.
INSERT INTO `assessment_reports` (`assessment_id`, `revision`) SELECT DISTINCT `assessment_id`, 1 FROM `answers`;
--> statement-breakpoint
CREATE TRIGGER `answers_report_insert` AFTER INSERT ON `answers` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (new.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `answers_report_update` AFTER UPDATE ON `answers` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (new.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `answers_report_delete` AFTER DELETE ON `answers` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (old.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `scores_report_insert` AFTER INSERT ON `scores` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) SELECT `assessment_id`, 1 FROM `answers` WHERE `id` = new.`answer_id`
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `scores_report_update` AFTER UPDATE ON `scores` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) SELECT `assessment_id`, 1 FROM `answers` WHERE `id` = new.`answer_id`
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `scores_report_delete` AFTER DELETE ON `scores` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) SELECT `assessment_id`, 1 FROM `answers` WHERE `id` = old.`answer_id`
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `judgements_report_insert` AFTER INSERT ON `judgements` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (new.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `judgements_report_update` AFTER UPDATE ON `judgements` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (new.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `judgements_report_delete` AFTER DELETE ON `judgements` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (old.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `ratings_report_insert` AFTER INSERT ON `ratings` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (new.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `ratings_report_update` AFTER UPDATE ON `ratings` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (new.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `ratings_report_delete` AFTER DELETE ON `ratings` BEGIN
	INSERT INTO `assessment_reports` (`assessment_id`, `revision`) VALUES (old.`assessment_id`, 1)
	ON CONFLICT (`assessment_id`) DO UPDATE SET `revision` = `revision` + 1, `report` = NULL;
END;
