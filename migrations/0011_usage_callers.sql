-- The names of callers beside what they used: keys are revoked and never deleted, so the name stays.
DROP VIEW `usage_days`;
--> statement-breakpoint
CREATE VIEW `usage_days` AS
SELECT
	date(`usage`.`at` / 1000, 'unixepoch') || ' ' || coalesce(`key_id`, `user_id`, '') || ' ' || `source` || ' ' || `model_name` AS `id`,
	`project_id`,
	date(`usage`.`at` / 1000, 'unixepoch') AS `day`,
	`user_id`,
	`key_id`,
	coalesce((SELECT `name` FROM `api_keys` WHERE `api_keys`.`id` = `key_id`), (SELECT `name` FROM `users` WHERE `users`.`id` = `user_id`)) AS `caller`,
	`model_name`,
	`source`,
	count(*) AS `requests`,
	sum(`input_tokens`) AS `input_tokens`,
	sum(`output_tokens`) AS `output_tokens`,
	sum(`cost_usd`) AS `cost_usd`,
	avg(`latency_ms`) AS `latency_ms`
FROM `usage`
GROUP BY `project_id`, `day`, `user_id`, `key_id`, `source`, `model_name`;
