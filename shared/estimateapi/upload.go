package estimateapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// Upload is a file that its caller has uploaded for batches, from the end of a line on.
type Upload struct {
	ID     string `json:"id"`
	Offset int64  `json:"offset"` // as an earlier answer has it
	Line   int    `json:"line"`
}

// estimateUpload answers for a file of the caller's own. A key that is bound to models may ask as well: the lines that a
// batch of it would refuse are refused here, by the same rules.
func (a *API) estimateUpload(w http.ResponseWriter, r *openaiapi.Request, body rawjson.Node) error {
	in, err := uploadOf(body.Get("file"))
	if err != nil {
		return err
	}
	if err := refuseEstimate(body, "file"); err != nil {
		return err
	}
	if a.files.Find == nil {
		return openaierr.Invalid("file", "unsupported_value", "This function reads no files.")
	}
	key, err := a.files.Find(r.Context(), r.Caller.Name, in.ID)
	if err != nil {
		return err
	}
	var limits job.Limits
	if !r.Caller.Any() {
		limits.Models, limits.Allow = r.Caller.Models, r.Caller.Allow
	}
	survey, err := a.files.Planner.SurveyFile(r.Context(), plan.Source{Key: key, Offset: in.Offset, Line: in.Line}, limits)
	if err != nil {
		return uploadError(err, in.ID)
	}
	report, err := a.reportFile(r.Context(), survey)
	if err != nil {
		return err
	}
	report.File = in.ID
	if !survey.Done {
		report.Next = Upload{in.ID, survey.Offset, survey.Line}
	}
	return openaiapi.WriteJSON(w, report)
}

// uploadOf reads the member "file": an id, or what an earlier answer has as "next".
func uploadOf(n rawjson.Node) (in Upload, err error) {
	switch n.Kind() {
	case '"':
		return Upload{ID: n.Text()}, nil
	case '{':
	default:
		return in, openaierr.Invalid("file", "invalid_type", `Invalid type for 'file': expected the id of a file that you have uploaded, such as "file-abc".`)
	}
	if err := refuseOthers(n, "file", "id", "offset", "line"); err != nil {
		return in, err
	}
	if json.Unmarshal(n.Raw(), &in) != nil || in.Offset < 0 || in.Line < 0 {
		return in, openaierr.Invalid("file", "invalid_type", "Invalid value in 'file': id is a string; offset and line are numbers from an earlier answer's 'next'.")
	}
	return in, nil
}

// uploadError is an error about an object of the bucket, said of the file that it is.
func uploadError(err error, id string) error {
	e, ok := errors.AsType[*openaierr.Error](err)
	switch {
	case !ok:
		return err
	case e.Param == "s3.offset":
		return openaierr.Invalid("file.offset", e.Code, "The file %s ends before the offset. Begin without 'offset' and 'line'.", id)
	case e.Status == http.StatusNotFound:
		e.Param, e.Message = "file", "The file "+id+" has been deleted meanwhile."
	case strings.HasPrefix(e.Param, "s3"):
		e.Param = "file"
	}
	return e
}
