"""Addresses of the sessions API, below `/v1/orchestrator/`."""

from __future__ import annotations

from django.urls import path

from sessions_app.api import append, clones, corrections, edit_history, recordings, resuming, views

BLOCK = "session/<uuid:session_id>/blocks/<str:block_id>"

urlpatterns = [
    path("session/start", views.SessionStartView.as_view(), name="session-start"),
    path("session/<uuid:session_id>", views.SessionDetailView.as_view(), name="session-detail"),
    path("session/<uuid:session_id>/append", append.SessionAppendView.as_view(), name="session-append"),
    path("session/<uuid:session_id>/chunk", append.SessionChunkView.as_view(), name="session-chunk"),
    path("session/<uuid:session_id>/blocks", views.SessionBlocksView.as_view(), name="session-blocks"),
    path("session/<uuid:session_id>/current-context", views.SessionContextView.as_view(), name="session-context"),
    path("session/<uuid:session_id>/upload-asset", views.SessionAssetView.as_view(), name="session-upload-asset"),
    path("session/<uuid:session_id>/recording", recordings.SessionRecordingView.as_view(), name="session-recording"),
    path("session/<uuid:session_id>/finalize", views.SessionFinalizeView.as_view(), name="session-finalize"),
    path("session/<uuid:session_id>/resume", resuming.SessionResumeView.as_view(), name="session-resume"),
    path("session/<uuid:session_id>/audit-report", views.SessionAuditReportView.as_view(), name="session-audit-report"),
    path("session/<uuid:session_id>/clone", clones.SessionCloneView.as_view(), name="session-clone"),
    path("session/<uuid:session_id>/edits", edit_history.SessionEditsView.as_view(), name="session-edits"),
    path(BLOCK, edit_history.BlockView.as_view(), name="block-detail"),
    path(f"{BLOCK}/history", edit_history.BlockHistoryView.as_view(), name="block-history"),
    path(f"{BLOCK}/edit", corrections.BlockEditView.as_view(), name="block-edit"),
    path(f"{BLOCK}/split", corrections.BlockSplitView.as_view(), name="block-split"),
    path(f"{BLOCK}/merge", corrections.BlockMergeView.as_view(), name="block-merge"),
    path(f"{BLOCK}/move", corrections.BlockMoveView.as_view(), name="block-move"),
    path(f"{BLOCK}/retype", corrections.BlockRetypeView.as_view(), name="block-retype"),
    path(f"{BLOCK}/restrict", corrections.BlockRestrictView.as_view(), name="block-restrict"),
    path("jobs", recordings.JobCollectionView.as_view(), name="job-collection"),
]
