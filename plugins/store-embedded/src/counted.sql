-- Requests that count in limits. Of those that were summed before there was this, all that did not fail are taken to.
ALTER TABLE quarter_sums ADD COLUMN counted ANY NOT NULL DEFAULT 0;
ALTER TABLE hour_sums ADD COLUMN counted ANY NOT NULL DEFAULT 0;
ALTER TABLE day_sums ADD COLUMN counted ANY NOT NULL DEFAULT 0;
UPDATE quarter_sums SET counted = requests - errors;
UPDATE hour_sums SET counted = requests - errors;
UPDATE day_sums SET counted = requests - errors;
