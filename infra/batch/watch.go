package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/progress"
	"aoai-bridge/shared/bucket"
)

const (
	startTimeout = 2 * time.Minute // until the workflow has taken an object up
	minPause     = 300 * time.Millisecond
	maxPause     = 15 * time.Second // between two requests; a batch takes minutes to hours
)

// watcher shows how far jobs are.
type watcher struct {
	store    *bucket.Bucket
	progress *progress.Tracker
	out      io.Writer
	screen   *os.File
	ending   bool // the job is to end, so that it does not stay as it is where it was stopped
}

// follow shows how far a job is until it has ended, and how it has. Interrupting it leaves the job alone.
func (w *watcher) follow(ctx context.Context, j *job.Job) error {
	st, err := w.watch(ctx, j)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(w.out, "\nThe job goes on without you; %s says how far it is. make batch CANCEL=%s ends it.\n", w.plain(j).URL(w.plain(j).StatusKey()), j.Key)
		return nil
	case err != nil:
		return err
	case st.Status == job.Duplicate:
		fmt.Fprintf(w.out, "duplicate: %s\nsummary  %s\n", st.Note, st.Summary)
		return nil
	case st.Status == job.Stopped:
		return fmt.Errorf("the job is stopped: %s", st.Note)
	}
	sum := &job.Summary{}
	key := strings.TrimPrefix(st.Summary, "s3://"+j.Bucket+"/")
	if found, err := w.store.Get(ctx, key, sum); err != nil || !found {
		return errors.Join(err, fmt.Errorf("the job is %s, and its summary %s cannot be read", st.Status, st.Summary))
	}
	return report(w.out, sum)
}

// plain is a job with the name that it has if no other job of its key has delivered anything.
func (w *watcher) plain(j *job.Job) *job.Job {
	named := *j
	named.NameOutputs(job.ResultName(j.Key))
	return &named
}

// status reads a job's status, nil if it has none yet.
func (w *watcher) status(ctx context.Context, j *job.Job) (*job.Status, error) {
	apart := *j
	apart.NameApart()
	for _, named := range []*job.Job{w.plain(j), &apart} {
		st := &job.Status{}
		found, err := w.store.Get(ctx, named.StatusKey(), st)
		if err != nil {
			return nil, fmt.Errorf("how far the job is cannot be read (is the stack running?): %w", err)
		}
		if found && st.Job == j.ID {
			return st, nil
		}
	}
	return nil, nil
}

// watch shows the lines that are answered until the job has ended, or was stopped.
func (w *watcher) watch(ctx context.Context, j *job.Job) (*job.Status, error) {
	terminal := term.IsTerminal(int(w.screen.Fd()))
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(w.screen), progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetDescription("waiting"), progressbar.OptionSetVisibility(terminal), progressbar.OptionClearOnFinish())
	defer bar.Finish()
	said := ""
	begun := time.Now()
	for pause := minPause; ; pause = min(pause*5/4, maxPause) {
		st, err := w.status(ctx, j)
		switch {
		case err != nil:
			return nil, err
		case st == nil && time.Since(begun) > startTimeout:
			return nil, errors.New("no workflow has taken the file up: does the stack's event rule stand, and is the file below inbox/?")
		case st != nil && (st.Over() || st.Status == job.Stopped && !w.ending):
			return st, nil
		case st != nil:
			done := st.Counts.Completed + st.Counts.Failed
			if p, found, err := w.progress.Of(ctx, j.ID); err == nil && found { // which is newer
				done = max(done, p.Counts.Completed+p.Counts.Failed)
			}
			if st.Counts.Total > 0 {
				bar.ChangeMax(st.Counts.Total)
				_ = bar.Set(done) // it can only fail to draw
			}
			bar.Describe(describe(st, time.Now()))
			if line := fmt.Sprintf("%s: %d of %d lines", describe(st, time.Now()), done, st.Counts.Total); line != said && !terminal {
				fmt.Fprintln(w.screen, line)
				said = line
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// describe says what a job does, what holds it up, and when it may end if the status estimates that.
func describe(st *job.Status, now time.Time) string {
	switch {
	case st.Error != nil:
		return fmt.Sprintf("%s, held up since %s (%s: %s)", st.Status, st.Error.Since.Local().Format("15:04"), st.Error.Code, st.Error.Message)
	case st.EndsAt != nil && st.EndsAt.After(now):
		return fmt.Sprintf("%s, perhaps until %s", st.Status, st.EndsAt.Local().Format("15:04"))
	}
	return st.Status
}
