-- Calls of models by day (UTC), caller, model and door; src/usage/usage.ts reads it page by page.
CREATE VIEW `usage_days` AS
SELECT
	date(`at` / 1000, 'unixepoch') || ' ' || coalesce(`key_id`, `user_id`, '') || ' ' || `source` || ' ' || `model_name` AS `id`,
	`project_id`,
	date(`at` / 1000, 'unixepoch') AS `day`,
	`user_id`,
	`key_id`,
	`model_name`,
	`source`,
	count(*) AS `requests`,
	sum(`input_tokens`) AS `input_tokens`,
	sum(`output_tokens`) AS `output_tokens`,
	sum(`cost_usd`) AS `cost_usd`,
	avg(`latency_ms`) AS `latency_ms`
FROM `usage`
GROUP BY `project_id`, `day`, `user_id`, `key_id`, `source`, `model_name`;
