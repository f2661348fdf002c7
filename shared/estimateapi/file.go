package estimateapi

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// FileReport is the estimate of a file of requests.
type FileReport struct {
	Object   string        `json:"object"` // "file_estimate"
	Bucket   string        `json:"bucket,omitempty"`
	Key      string        `json:"key,omitempty"`
	File     string        `json:"file,omitempty"` // one that the caller has uploaded
	Complete bool          `json:"complete"`       // the file was read to its end
	Next     any           `json:"next,omitempty"` // what to ask for the rest with, as "s3" or "file"
	Lines    int           `json:"lines"`          // that are not blank, from where this answer begins
	Refused  int           `json:"refused"`
	Refusals []jsonl.Error `json:"refusals,omitempty"` // the first of the refused
	Models   []FileModel   `json:"models"`
	Total    FileTotal     `json:"total"`
	Job      job.Estimate  `json:"job"` // what a job of these lines would be held against its ceiling with

	Basis      estimate.Basis   `json:"basis,omitempty"`       // that of the least sure line
	NotCounted []string         `json:"not_counted,omitempty"` // parts that some lines have and that are left out of input_tokens
	Sources    estimate.Sources `json:"sources,omitempty"`
}

// FileModel is the estimate of the lines for one model.
type FileModel struct {
	plan.SurveyRow
	Cost  []estimate.Cost `json:"cost,omitempty"`
	Quota *catalog.Quota  `json:"default_quota,omitempty"` // of enqueued tokens, by kind of subscription
}

// FileTotal adds the models up.
type FileTotal struct {
	Lines        int                                 `json:"lines"`
	InputTokens  int64                               `json:"input_tokens"`
	OutputTokens int64                               `json:"output_tokens"`
	Parts        int                                 `json:"parts"`
	USD          map[catalog.DeploymentType]*float64 `json:"usd"`         // nil where a model has no known price
	AtMost       map[catalog.DeploymentType]*float64 `json:"usd_at_most"` // nil where a model's costs have no bound
}

// estimateFile answers for a JSONL object in S3. ctx ends the reading in time, so that the answer says how far
// it came.
func (a *API) estimateFile(w http.ResponseWriter, r *openaiapi.Request, body rawjson.Node) error {
	source, err := sourceOf(body.Get("s3"))
	if err != nil {
		return err
	}
	if err := refuseEstimate(body, "s3"); err != nil {
		return err
	}
	if a.files.Planner == nil {
		return openaierr.Invalid("s3", "unsupported_value", "This function reads no files from S3.")
	}
	// A file may name any model, and what it holds is shown in part.
	if !r.Caller.Any() {
		return &openaierr.Error{
			Status: http.StatusForbidden, Type: openaierr.TypePermission, Param: "s3", Code: "model_not_allowed",
			Message: "The key of " + r.Caller.Name + " may not use every model, so it may not ask about files, which can name any.",
		}
	}
	survey, err := a.files.Planner.Survey(r.Context(), source)
	if err != nil {
		return err
	}
	report, err := a.reportFile(r.Context(), survey)
	if err != nil {
		return err
	}
	report.Bucket, report.Key = source.Bucket, source.Key
	if !survey.Done {
		source.Offset, source.Line = survey.Offset, survey.Line
		report.Next = source
	}
	return openaiapi.WriteJSON(w, report)
}

func sourceOf(n rawjson.Node) (source plan.Source, err error) {
	if n.Kind() != '{' {
		return source, openaierr.Invalid("s3", "invalid_type", `Invalid type for 's3': expected an object such as {"bucket": "my-bucket", "key": "requests.jsonl"}.`)
	}
	if err := refuseOthers(n, "s3", "bucket", "key", "version_id", "offset", "line"); err != nil {
		return source, err
	}
	if json.Unmarshal(n.Raw(), &source) != nil || source.Offset < 0 || source.Line < 0 {
		return source, openaierr.Invalid("s3", "invalid_type", "Invalid value in 's3': bucket, key and version_id are strings; offset and line are numbers from an earlier answer's 'next'.")
	}
	return source, nil
}

// refuseEstimate refuses the member "estimate" beside the one that names a file.
func refuseEstimate(body rawjson.Node, file string) error {
	if body.Get("estimate").Absent() {
		return nil
	}
	return openaierr.Invalid("estimate", "unsupported_parameter", "'estimate' is about one request and does not go with '%s'. Leave it out: the lines of a file set their own limits.", file)
}

// refuseOthers refuses members of an object, by its name, that are not known.
func refuseOthers(n rawjson.Node, object string, known ...string) error {
	last := len(known) - 1
	for name := range n.Members() {
		if !slices.Contains(known, name) {
			return openaierr.Invalid(object+"."+name, "unknown_parameter", "Unknown parameter: '%s.%.40s'. There are %s and %s.",
				object, name, strings.Join(known[:last], ", "), known[last])
		}
	}
	return nil
}

func (a *API) reportFile(ctx context.Context, survey *plan.Survey) (*FileReport, error) {
	report := &FileReport{
		Object: "file_estimate", Complete: survey.Done,
		Lines: survey.Lines, Refused: survey.Refused, Refusals: survey.Refusals, Models: []FileModel{}, Job: survey.Job,
	}
	total := &report.Total
	expected, most := newSums(), newSums()
	report.Sources = estimate.Sources{}
	for _, row := range survey.Parts {
		model := FileModel{SurveyRow: row}
		known, name, err := a.azure.Catalog(ctx, row.Serves)
		if err != nil {
			return nil, err
		}
		if n, err := known.Lookup(name); err == nil {
			model.Cost = a.costs(known, n, &row)
			report.Sources.Cite(known, &n, row.Kind(), row.Longest.Images, model.Cost)
			if row.Mode == jsonl.Batch && row.EnqueuedTokens == 0 {
				model.Quota = known.EnqueuedTokens(n.Name, cmp.Or(row.Type, catalog.GlobalBatch))
			}
		}
		expected.add(model.Cost, func(c estimate.Cost) *float64 { return c.USD })
		most.add(model.Cost, func(c estimate.Cost) *float64 { return c.AtMost })
		report.Models = append(report.Models, model)
		report.Basis = estimate.Weaker(row.Basis, report.Basis)
		for _, part := range row.NotCounted {
			if !slices.Contains(report.NotCounted, part) {
				report.NotCounted = append(report.NotCounted, part)
			}
		}
		total.Lines += row.Lines
		total.InputTokens += row.Tokens
		total.OutputTokens += row.OutputTokens
		total.Parts += row.Parts
	}
	total.USD, total.AtMost = expected.usd(), most.usd()
	return report, nil
}

// costs returns what the lines of a row cost, and at most.
func (a *API) costs(known *catalog.Catalog, n catalog.Named, row *plan.SurveyRow) []estimate.Cost {
	rows := known.Costs(n, usageOf(row.Forecast.Expected), catalog.TermsOn(a.now()))
	most := usageOf(row.Longest.Lines)
	output := most.Output
	if most.Long != nil {
		output += most.Long.Output
	}
	if known.CacheWrites(n) {
		most.CacheWrite = most.Input
		if most.Long != nil {
			most.Long.CacheWrite = most.Long.Input
		}
	}
	costs := estimate.Costs(rows, most, row.Longest.Why)
	if row.Kind() != estimate.Embeddings {
		included, bound := true, new(int(output))
		if row.Longest.NoOutput {
			bound = nil
		}
		for i := range costs {
			costs[i].OutputIncluded, costs[i].OutputBound = &included, bound
		}
	}
	return costs
}

// usageOf is what lines take, those of a long context apart.
func usageOf(lines job.Tallies) catalog.Usage {
	var short, long catalog.Usage
	for _, t := range lines {
		u := &short
		if t.Long {
			u = &long
		}
		u.Calls += t.Lines
		u.Input += t.Usage.Input
		u.Output += t.Usage.Output
	}
	switch {
	case short.Calls == 0 && long.Calls > 0:
		return long
	case long.Calls > 0:
		short.Long = &long
	}
	return short
}

// sums adds up what models cost, by deployment type.
type sums struct {
	total map[catalog.DeploymentType]float64
	gaps  map[catalog.DeploymentType]bool // there is a model whose cost is not known
}

func newSums() sums {
	return sums{map[catalog.DeploymentType]float64{}, map[catalog.DeploymentType]bool{}}
}

// add adds a model's costs by the most expensive data zone.
func (s sums) add(costs []estimate.Cost, of func(estimate.Cost) *float64) {
	highest := map[catalog.DeploymentType]*float64{}
	for _, c := range costs {
		if usd, most := of(c), highest[c.Type]; usd != nil && (most == nil || *usd > *most) {
			highest[c.Type] = usd
		}
	}
	for _, t := range catalog.TokenTypes() {
		if usd := highest[t]; usd != nil {
			s.total[t] += *usd
		} else {
			s.gaps[t] = true
		}
	}
}

// usd returns the sums, nil where there is a gap.
func (s sums) usd() map[catalog.DeploymentType]*float64 {
	all := map[catalog.DeploymentType]*float64{}
	for _, t := range catalog.TokenTypes() {
		all[t] = nil
		if usd := catalog.Rounded(s.total[t]); !s.gaps[t] {
			all[t] = &usd
		}
	}
	return all
}
