package estimateapi

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// FileReport is the estimate of a file of requests.
type FileReport struct {
	Object   string        `json:"object"` // "file_estimate"
	Bucket   string        `json:"bucket,omitempty"`
	Key      string        `json:"key"`
	Complete bool          `json:"complete"`       // the file was read to its end
	Next     *plan.Source  `json:"next,omitempty"` // what to ask for the rest with, as "s3"
	Lines    int           `json:"lines"`          // that are not blank, from where this answer begins
	Refused  int           `json:"refused"`
	Refusals []jsonl.Error `json:"refusals,omitempty"` // the first of the refused
	Models   []FileModel   `json:"models"`
	Total    FileTotal     `json:"total"`
}

// FileModel is the estimate of the lines for one model.
type FileModel struct {
	plan.SurveyRow
	Cost  []catalog.Cost `json:"cost,omitempty"`
	Quota *catalog.Quota `json:"default_quota,omitempty"` // of enqueued tokens, by kind of subscription
}

// FileTotal adds the models up.
type FileTotal struct {
	Lines        int                                 `json:"lines"`
	InputTokens  int64                               `json:"input_tokens"`
	OutputTokens int64                               `json:"output_tokens"`
	Parts        int                                 `json:"parts"`
	USD          map[catalog.DeploymentType]*float64 `json:"usd"` // nil where a model has no known price
}

// estimateFile answers for a JSONL object in S3. ctx ends the reading in time, so that the answer says how far
// it came.
func (a *API) estimateFile(w http.ResponseWriter, r *openaiapi.Request, body rawjson.Node) error {
	source, err := sourceOf(body.Get("s3"))
	if err != nil {
		return err
	}
	if !body.Get("estimate").Absent() {
		return openaierr.Invalid("estimate", "unsupported_parameter", "'estimate' is about one request and does not go with 's3'. Leave it out: the lines of a file set their own limits.")
	}
	if a.files == nil {
		return openaierr.Invalid("s3", "unsupported_value", "This function reads no files from S3.")
	}
	// A file may name any model, and what it holds is shown in part.
	if !r.Caller.Any() {
		return &openaierr.Error{
			Status: http.StatusForbidden, Type: openaierr.TypePermission, Param: "s3", Code: "model_not_allowed",
			Message: "The key of " + r.Caller.Name + " may not use every model, so it may not ask about files, which can name any.",
		}
	}
	survey, err := a.files.Survey(r.Context(), source)
	if err != nil {
		return err
	}
	report, err := a.reportFile(r.Context(), source, survey)
	if err != nil {
		return err
	}
	return openaiapi.WriteJSON(w, report)
}

func sourceOf(n rawjson.Node) (source plan.Source, err error) {
	if n.Kind() != '{' {
		return source, openaierr.Invalid("s3", "invalid_type", `Invalid type for 's3': expected an object such as {"bucket": "my-bucket", "key": "requests.jsonl"}.`)
	}
	known := []string{"bucket", "key", "version_id", "offset", "line"}
	for name := range n.Members() {
		if !slices.Contains(known, name) {
			return source, openaierr.Invalid("s3."+name, "unknown_parameter", "Unknown parameter: 's3.%.40s'. There are bucket, key, version_id, offset and line.", name)
		}
	}
	if json.Unmarshal(n.Raw(), &source) != nil || source.Offset < 0 || source.Line < 0 {
		return source, openaierr.Invalid("s3", "invalid_type", "Invalid value in 's3': bucket, key and version_id are strings; offset and line are numbers from an earlier answer's 'next'.")
	}
	return source, nil
}

func (a *API) reportFile(ctx context.Context, source plan.Source, survey *plan.Survey) (*FileReport, error) {
	report := &FileReport{
		Object: "file_estimate", Bucket: source.Bucket, Key: source.Key, Complete: survey.Done,
		Lines: survey.Lines, Refused: survey.Refused, Refusals: survey.Refusals, Models: []FileModel{},
	}
	if !survey.Done {
		next := source
		next.Offset, next.Line = survey.Offset, survey.Line
		report.Next = &next
	}
	total := &report.Total
	sums, gaps := map[catalog.DeploymentType]float64{}, map[catalog.DeploymentType]bool{}
	for _, row := range survey.Parts {
		model := FileModel{SurveyRow: row}
		known, name, err := a.azure.Catalog(ctx, row.Serves)
		if err != nil {
			return nil, err
		}
		if n, err := known.Lookup(name); err == nil {
			model.Cost = known.Costs(n, catalog.Usage{Calls: row.Lines, Input: row.Tokens, Output: row.OutputTokens}, catalog.TermsOn(a.now()))
			if row.Mode == jsonl.Batch && row.EnqueuedTokens == 0 {
				model.Quota = known.EnqueuedTokens(n.Name, cmp.Or(row.Type, catalog.GlobalBatch))
			}
		}
		addCosts(sums, gaps, model.Cost)
		report.Models = append(report.Models, model)
		total.Lines += row.Lines
		total.InputTokens += row.Tokens
		total.OutputTokens += row.OutputTokens
		total.Parts += row.Parts
	}
	total.USD = map[catalog.DeploymentType]*float64{}
	for _, t := range catalog.TokenTypes() {
		total.USD[t] = nil
		if usd := catalog.Rounded(sums[t]); !gaps[t] {
			total.USD[t] = &usd
		}
	}
	return report, nil
}

// addCosts adds a model's costs to the sums, by the most expensive data zone, and remembers on which types a
// price is missing.
func addCosts(sums map[catalog.DeploymentType]float64, gaps map[catalog.DeploymentType]bool, costs []catalog.Cost) {
	highest := map[catalog.DeploymentType]*float64{}
	for _, c := range costs {
		if most := highest[c.Type]; c.USD != nil && (most == nil || *c.USD > *most) {
			highest[c.Type] = c.USD
		}
	}
	for _, t := range catalog.TokenTypes() {
		if usd := highest[t]; usd != nil {
			sums[t] += *usd
		} else {
			gaps[t] = true
		}
	}
}
