DROP VIEW report_v1_widgets, published_widgets_v1;
DROP TABLE widget_revision, widget;
