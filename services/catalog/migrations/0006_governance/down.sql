DROP VIEW published_role_assignments_v1, published_responsibilities_v1, report_v1_objectives, report_v1_roles,
    report_v1_role_assignments, report_v1_responsibilities;
DROP TABLE responsibility, role_assignment, role;
ALTER TABLE service DROP COLUMN objectives;
DROP TABLE objective;
