-- By which prices requests were priced, and how their upstreams write their usage: each kept once for all that have the same.
-- `terms.id` is a hash of its text, which is JSON; the digits of `shapes.text` are left out, and stand in the row.
CREATE TABLE terms (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE shapes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
-- `quantities` are those of the terms' rates, in that order; `raw` is a text where it has no shape.
ALTER TABLE requests ADD COLUMN terms INTEGER;
ALTER TABLE requests ADD COLUMN quantities BLOB;
ALTER TABLE requests ADD COLUMN raw ANY;
