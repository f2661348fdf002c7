package job

import (
	"math"
	"time"
)

// Step is what the workflow carries from task to task of a part.
type Step struct {
	Job    string `json:"job"`
	Part   int    `json:"part"`
	Try    int    `json:"try"`
	Status string `json:"status,omitempty"`
	// Wait is how many seconds the workflow lets pass before the next task; it grows with Waits.
	Wait  int `json:"wait_seconds"`
	Waits int `json:"waits"`
	// Looks is how often it has been looked for what a lost answer may have left, of the try's create number Create.
	Looks  int `json:"looks,omitempty"`
	Create int `json:"create,omitempty"`
}

// What a step's task tells the workflow.
const (
	StepSubmitted = "submitted" // to Azure: wait, then poll
	StepNoRoom    = "no_room"   // the quota is full, the file is not ready, or a batch may have been made: wait, then submit
	StepWorking   = "working"   // online calls, and the time was over: submit
	StepRunning   = "running"   // wait, then poll
	StepEnded     = "ended"     // collect
	StepNotReady  = "not_ready" // the output is not there yet: wait, then collect
	StepAgain     = "again"     // there are lines for another try: submit
	StepDone      = "done"
)

// Waits grow from one minute, the least Azure's documentation allows (how-to-batch-content.md,
// 03/19/2026), to twenty, so that a batch of 24 hours takes about 90 of them.
const (
	firstWait = 60
	lastWait  = 1200
	growth    = 1.125
)

// lookWaits are the seconds between the looks for what a lost answer may have left: at 0, 1, 2 and 4 minutes. Azure's lists
// may be minutes behind.
var lookWaits = []int{60, 60, 120}

// AllLooks is how long all looks take together.
const AllLooks = 4 * time.Minute

// LookAgain has the workflow wait before another look for what a create, or the upload for it, may have left. more is false
// after the last look. It is the workflow that counts: a task that is repeated looks once more and does not shorten a
// wait.
func (st Step) LookAgain(status string, create int) (next *Step, more bool) {
	if st.Create != create {
		st.Looks = 0
	}
	if st.Looks >= len(lookWaits) {
		return nil, false
	}
	st.Status, st.Wait, st.Create = status, lookWaits[st.Looks], create
	st.Looks++
	return &st, true
}

// Later has the workflow wait before the next task, the longer the more often it has waited.
func (st Step) Later(status string) *Step {
	st.Status = status
	st.Wait = int(min(lastWait, firstWait*math.Pow(growth, float64(st.Waits))))
	st.Waits++
	st.Looks, st.Create = 0, 0
	return &st
}

// Next has the workflow go on at once.
func (st Step) Next(status string) *Step {
	st.Status, st.Wait, st.Waits, st.Looks, st.Create = status, 0, 0, 0, 0
	return &st
}

// ThisTry is the try that the step is about.
func (st Step) ThisTry() Try { return Try{st.Job, st.Part, st.Try} }
