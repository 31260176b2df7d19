"""The data: every source becomes one `Pictures`, whose annotations are a plain COCO dict."""
