-- An agreement counts by the calendars of its objectives and by that of its service time.
ALTER TABLE agreement DROP COLUMN calendars;
ALTER TABLE agreement ADD COLUMN calendars text[] GENERATED ALWAYS AS (text_list(
    jsonb_path_query_array(body, '$.definition.objectives[*].calendar')
        || jsonb_path_query_array(body, '$.definition.service_hours')
)) STORED;
