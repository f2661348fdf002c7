package azureopenai

import (
	"bufio"
	"os"
)

// results are a batch's two files while they are written.
type results struct {
	executions     *executionLog
	output, errors *resultFile
}

type resultFile struct {
	id     string
	file   *os.File
	w      *bufio.Writer
	bytes  int64
	silent bool       // what is written is lost
	last   int        // the last line's length
	line   bodyDigest // and what it answers
}

func (j *job) newResults() (*results, error) {
	r := &results{executions: &j.server.executions}
	for _, f := range []**resultFile{&r.output, &r.errors} {
		file, err := j.server.files.spool()
		if err != nil {
			r.discard()
			return nil, err
		}
		*f = &resultFile{id: "file-" + j.server.uuid(), file: file, w: bufio.NewWriterSize(file, 64<<10)}
	}
	_, empty := j.fault("empty-error-file")
	_, none := j.fault("no-error-file")
	r.errors.silent = empty || none
	return r, nil
}

// write adds a line to the output, or to the errors where it is not ok.
func (r *results) write(line []byte, ok bool, body bodyDigest) error {
	f := r.errors
	if ok {
		f = r.output
		r.executions.countSucceeded(body)
	}
	if f.silent {
		return nil
	}
	n, err := f.w.Write(line)
	f.bytes += int64(n)
	f.last, f.line = n, body
	return err
}

// storeFiles makes both files known and returns their ids, "" where there is none. Their names are those of
// batches that have storage of their own; of others unverified.
func (r *results) storeFiles(j *job) (outputID, errorID string) {
	if _, torn := j.fault("torn"); torn && r.output.last > 0 {
		r.output.cutLastLine()
		r.executions.retractSuccess(r.output.line)
	}
	late, _ := j.fault("late-output")
	keep := func(f *resultFile, name string) string {
		_ = f.w.Flush() // what does not fit on the disk is missing, as it may be on Azure
		_ = f.file.Close()
		now := j.server.options.Now()
		stored := &storedFile{id: f.id, name: name, purpose: purposeBatchOutput, bytes: f.bytes, path: f.file.Name(), created: now, hidden: late.times}
		if j.outputLife > 0 {
			stored.expires = now.Add(j.outputLife)
		}
		_ = j.server.files.put(stored) // only input files can be too many
		return f.id
	}
	outputID = keep(r.output, "results.jsonl")
	if _, none := j.fault("no-error-file"); none {
		r.errors.discard()
		return outputID, ""
	}
	return outputID, keep(r.errors, "errors.jsonl")
}

// cutLastLine cuts the last line in half.
func (f *resultFile) cutLastLine() {
	_ = f.w.Flush()
	f.bytes -= int64(f.last - f.last/2)
	_ = f.file.Truncate(f.bytes)
}

func (f *resultFile) discard() {
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}

// discard removes what was written; r may be nil, or half made.
func (r *results) discard() {
	if r == nil {
		return
	}
	for _, f := range []*resultFile{r.output, r.errors} {
		if f != nil {
			f.discard()
		}
	}
}
