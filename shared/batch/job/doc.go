// Package job has the records of a job: what starts it, what is kept of it in S3, and what its owner gets to know. It
// says what the records are and under which keys they are, and neither reads nor writes them.
//
// # Objects
//
// A job is these objects. JOB is its id, PASS one of the passes in which its file was read, PART a slice of its
// lines, and TRY one of the times that lines of a part were sent. CREATE counts the batches of a try that Azure had
// no room for, or whose creates were given up.
//
//	key                                      written by                      read by
//	inbox/NAME.jsonl                         the owner                       plan
//	jobs/names/NAME.json                     plan, of the job that has the   plan, of later jobs; report
//	                                         name of results
//	jobs/contents/HASH.json                  plan, of the job that answers   plan, of later jobs
//	                                         the content
//	jobs/sources/HASH/JOB.json               plan, once                      who looks for an object's jobs
//	jobs/JOB/job.json                        plan, once; then by the job's   every task
//	                                         own execution; report, where
//	                                         the results' name is taken
//	jobs/JOB/plan.json                       plan, after each pass           plan, to go on; report
//	jobs/JOB/rejected-PASS.jsonl             plan, at the end of the pass    report
//	jobs/JOB/spill-PASS.tsv                  plan, where a pass has more     plan, in a later pass
//	                                         groups than it keeps open
//	jobs/JOB/items.json                      plan, at its end                the workflow, for its Map
//	jobs/JOB/cancel.json                     Cancel                          submit, poll, report
//	jobs/JOB/account.json                    submit, before a try; collect,  submit, collect
//	                                         after it, where the job has a
//	                                         ceiling
//	jobs/JOB/parts/PART/
//	  part.json                              plan                            every task of the part
//	  done.json                              collect, after the last try     people
//	  try-TRY/requests.jsonl                 plan; collect, for a next try   submit; collect
//	  try-TRY/lines.tsv                      plan; collect, for a next try   collect; report, of a try
//	                                                                         that was not settled
//	  try-TRY/state.json                     submit, poll, collect, before   every task of the part
//	                                         and after what must not
//	                                         happen twice
//	  try-TRY/batch-CREATE.json              submit, once, after a create    submit, poll, collect, where
//	                                                                         state.json has no batch
//	  try-TRY/doubt.json                     submit, give-up, where there    collect, give-up
//	                                         may be another batch
//	  try-TRY/running/RUN.json               submit, before and after it     collect, give-up: those that
//	                                         calls online                    have not ended were killed
//	  try-TRY/run/N-RUN.jsonl                submit, while it calls online   submit, to go on; collect
//	  try-TRY/results.jsonl                  collect, give-up                report
//	  try-TRY/tried.json                     collect, give-up, last of all   collect, if repeated; report
//	results/NAME.jsonl, .errors.jsonl        report                          the owner
//	failed/NAME.jsonl                        report                          the owner
//	results/NAME.summary.json                report, after them              the owner
//	results/NAME.status.json                 plan; every task, now and       the owner
//	                                         then; report, last of all
//
// Progress reads job.json, plan.json, cancel.json, the summary and, of each part, state.json and tried.json. What
// is written "once" is claimed: of several writers the first wins, and the others find what it wrote. Names, contents and
// the status change hands by conditional writes: of several writers one wins, and the others look again.
package job
