package httpapi

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/docvault/docvault/runtime/vault"
)

// retryPreview is in how many seconds a preview is worth asking for again: drawing a page takes less, if nothing else is to be done.
const retryPreview = 1

// previewCache: a picture is of bytes that never change. Who may no longer see the document is asked for at most so long after.
const previewCache = "private, max-age=300"

func (a *api) previewRoute() route {
	return route{
		method: "GET", path: "/api/documents/{id}/preview", id: "getDocumentPreview", subject: subjectDocument,
		summary: "A picture of a page",
		description: "202 with Retry-After while a worker makes it: ask again. 404 with code no_preview where there is no such page, or " +
			"it cannot be shown. Takes If-None-Match.",
		params: []param{
			intParam("page", int64(1), 1, math.MaxInt32, "The page, from 1."),
			intParam("width", int64(vault.DefaultPreviewWidth), vault.MinPreviewWidth, vault.MaxPreviewWidth,
				"Pixels; the height follows. Of one page, the pictures of eight widths are kept."),
		},
		write: a.documentPreview, media: []string{"image/png"}, status: http.StatusOK, streams: true,
		also:    []int{http.StatusAccepted, http.StatusPartialContent, http.StatusNotModified},
		refusal: []int{http.StatusRequestedRangeNotSatisfiable},
	}
}

func (a *api) documentPreview(w http.ResponseWriter, c *call) error {
	id, err := c.pathID()
	if err != nil {
		return err
	}
	page, width := int(*c.query.integer("page")), int(*c.query.integer("width"))
	preview, ready, err := a.vault.Preview(c.Context(), a.actor(c.Request), id, page, width)
	if err != nil {
		return err
	}
	if !ready {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", strconv.Itoa(retryPreview))
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	defer func() { _ = preview.Close() }()
	guardContent(w, "image/png", `"`+preview.ID.String()+`"`)
	w.Header().Set("Cache-Control", previewCache)
	return a.serveRanges(w, c, time.Time{}, preview)
}
