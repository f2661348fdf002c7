package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A job's record is these objects; only names and results outlive the job.

// Key is where a job's record is.
func Key(job string) string { return "jobs/" + job + "/job.json" }

// PlanKey is where a job's plan is.
func PlanKey(job string) string { return "jobs/" + job + "/plan.json" }

// ItemsKey is where the list of a job's parts is, for the workflow's Map.
func ItemsKey(job string) string { return "jobs/" + job + "/items.json" }

// AccountKey is where the account of a job's cost is, if the job has a ceiling.
func AccountKey(job string) string { return "jobs/" + job + "/account.json" }

// CancelKey is where the mark of a cancelled job is.
func CancelKey(job string) string { return "jobs/" + job + "/cancel.json" }

// RejectedKey is where the lines are that a pass rejected.
func RejectedKey(job string, pass int) string {
	return fmt.Sprintf("jobs/%s/rejected-%04d.jsonl", job, pass)
}

// SpillKey is where the lines are that a pass had no room for.
func SpillKey(job string, pass int) string { return fmt.Sprintf("jobs/%s/spill-%04d.tsv", job, pass) }

// PartKey is where a part's record is.
func PartKey(job string, part int) string { return partFolder(job, part) + "part.json" }

// DoneKey is where it says that a part has come to its end.
func DoneKey(job string, part int) string { return partFolder(job, part) + "done.json" }

func partFolder(job string, part int) string { return fmt.Sprintf("jobs/%s/parts/%05d/", job, part) }

// Try names one of the times that lines of a part are sent, the first being 0.
type Try struct {
	Job  string
	Part int
	Try  int
}

func (t Try) key(name string) string {
	return partFolder(t.Job, t.Part) + fmt.Sprintf("try-%02d/%s", t.Try, name)
}

// RequestsKey is where the lines are as Azure gets them.
func (t Try) RequestsKey() string { return t.key("requests.jsonl") }

// LinesKey is where their numbers and custom_ids are.
func (t Try) LinesKey() string { return t.key("lines.tsv") }

// StateKey is where it says how far Azure is.
func (t Try) StateKey() string { return t.key("state.json") }

// CreationKey is where it says which batch is the try's, of those made since the last that found no room.
func (t Try) CreationKey(create int) string { return t.key(fmt.Sprintf("batch-%02d.json", create)) }

// DoubtKey is where it says that there may be more batches of the try than one.
func (t Try) DoubtKey() string { return t.key("doubt.json") }

// RunsPrefix leads the keys of the records of runs of online calls.
func (t Try) RunsPrefix() string { return t.key("running/") }

// RunKey is where a run of online calls has its record.
func (t Try) RunKey(run string) string { return t.RunsPrefix() + run + ".json" }

// SegmentsPrefix leads the keys of what online calls have brought so far.
func (t Try) SegmentsPrefix() string { return t.key("run/") }

// SegmentKey is where a segment is. Segments of runs at the same time have the same numbers.
func (t Try) SegmentKey(number int, run string) string {
	return t.SegmentsPrefix() + fmt.Sprintf("%06d-%s.jsonl", number, run)
}

// ResultsKey is where the results are of the lines that the try settled, in the source's order.
func (t Try) ResultsKey() string { return t.key("results.jsonl") }

// TriedKey is where it says what came of the try.
func (t Try) TriedKey() string { return t.key("tried.json") }

// FileName names the try among Azure's files.
func (t Try) FileName() string { return fmt.Sprintf("%s-%05d-%02d.jsonl", t.Job, t.Part, t.Try) }

// Metadata identify a batch of the try among Azure's.
func (t Try) Metadata(create int) map[string]string {
	return map[string]string{"job": t.Job, "part": strconv.Itoa(t.Part), "try": strconv.Itoa(t.Try), "create": strconv.Itoa(create)}
}

// SourceKey says that a job is of an object, for who looks for the jobs of an object.
func SourceKey(key, job string) string { return SourcePrefix(key) + job + ".json" }

// SourcePrefix leads the keys of what says which jobs are an object's.
func SourcePrefix(key string) string { return "jobs/sources/" + hash(key) + "/" }

// ContentKey claims an object's content: what the hash of its parts stands for, the key among them.
func ContentKey(parts ...string) string { return "jobs/contents/" + hash(parts...) + ".json" }

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:16])
}

// NameKey claims a name of results.
func NameKey(name string) string { return "jobs/names/" + name + ".json" }

// ResultsKey is where the results of that name are.
func ResultsKey(name string) string { return "results/" + name + ".jsonl" }

// errorsKey is where the lines without a 2xx of results of that name are, where they are apart.
func errorsKey(name string) string { return "results/" + name + ".errors.jsonl" }

// failedKey is where the requests are of lines that failed, of results under a key.
func failedKey(results string) string { return "failed/" + strings.TrimPrefix(results, "results/") }

const summarySuffix = ".summary.json"

// summaryKey is where the summary of results of that name is.
func summaryKey(name string) string { return "results/" + name + summarySuffix }
