ALTER TABLE agreement DROP COLUMN calendars;
ALTER TABLE agreement ADD COLUMN calendars text[]
    GENERATED ALWAYS AS (text_list(jsonb_path_query_array(body, '$.definition.objectives[*].calendar'))) STORED;
