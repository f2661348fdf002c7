// Package batch answers files of requests: it cuts a JSONL file into parts, has Azure OpenAI answer
// each part as a batch, or line by line where Azure takes no batch, and puts the answers together in
// the file's order. All it remembers is objects in one bucket, so that every task may be killed and
// begun again. It does not know what a prompt means, how a workflow waits, or Lambda.
//
// # Objects
//
// A job is these objects. JOB is its id, PASS one of the passes in which its file was read, PART a slice of its
// lines, and TRY one of the times that lines of a part were sent. CREATE counts the batches of a try that Azure had
// no room for.
//
//	key                                      written by                      read by
//	inbox/NAME.jsonl                         the owner                       plan
//	jobs/names/NAME.json                     plan, once, the first job's     plan, of later jobs
//	jobs/JOB/job.json                        plan, once; then by the job's   every task
//	                                         own execution; report, where
//	                                         the results' name is taken
//	jobs/JOB/plan.json                       plan, after each pass           plan, to go on; report
//	jobs/JOB/rejected-PASS.jsonl             plan, at the end of the pass    report
//	jobs/JOB/spill-PASS.tsv                  plan, where a pass has more     plan, in a later pass
//	                                         groups than it keeps open
//	jobs/JOB/items.json                      plan, at its end                the workflow, for its Map
//	jobs/JOB/cancel.json                     Cancel                          submit, poll, report
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
//	  try-TRY/run/N-RUN.jsonl                submit, while it calls online   submit, to go on; collect
//	  try-TRY/results.jsonl                  collect, give-up                report
//	  try-TRY/tried.json                     collect, give-up, last of all   collect, if repeated; report
//	results/NAME.jsonl, .errors.jsonl        report                          the owner
//	results/NAME.summary.json                report, last of all             the owner
//
// Progress reads job.json, plan.json, cancel.json, the summary and, of each part, state.json and tried.json. What
// is written "once" is claimed: of several writers the first wins, and the others find what it wrote.
//
// # Steps
//
// The workflow calls a task, and the status that it answers with says what comes next. The parts do not wait for each
// other.
//
//	task      status                 next
//	plan      planning               plan: the time was over
//	          planned                submit, for each part
//	          report                 report: there is nothing to send
//	          duplicate, ignored     the end: the job is another execution's, or the object is a folder's marker
//	submit    submitted              wait, then poll
//	          no_room                wait, then submit: the quota is full, or Azure still looks at the file
//	          working                wait if need be, then submit: online calls are left
//	          ended                  collect
//	poll      running                wait, then poll
//	          no_room                wait, then submit: the batch failed for want of quota
//	          ended                  collect
//	collect   not_ready              wait, then collect: Azure has announced an output and does not have it
//	          again                  submit, the next try
//	          done                   the part's end
//	give-up   done                   the part's end
//	report                           the job's end
//
// The workflow repeats a task that fails, and anyone may repeat any task at any time. A part whose task fails for good
// is given up. The report comes after the last part.
//
// # What holds
//
// Each of these holds whatever is killed, repeated or refused, and its tests fail if it does not.
//
//	A line of the file is in one part or among the rejected,     TestEachPassGoesOn, TestKilledPasses,
//	and in no second one.                                        TestPlanOfAnEarlierVersion
//	Parts have the lines that they would have if each group of   TestPartsWhateverTheOrder
//	lines came alone.
//	A job has at most 1,000 groups, and an error in the middle   TestManyNames, TestAbandon
//	of a pass leaves nothing open.
//	Each line comes back once, in the file's order.              TestDrop, TestPlanGoesOn, TestMisbehaviour,
//	                                                             TestManyGroupsAreAnswered,
//	                                                             TestReportOfManyLists, TestReportWithoutParts
//	One write of an object is one job, and one execution works   TestSameEventTwice
//	on it.
//	Results are never written over another job's.                TestResultsAreNeverOverwritten
//	Nothing is sent that is expected to cost more than the       TestRefusals, TestCeilingHoldsAgainstHugeLimits
//	ceiling.
//	A file is uploaded again only where Azure cannot have it,    TestUploadIsRefused, TestFileIsNotReady,
//	or does not list it.                                         TestSearchFails
//	A batch is made again only where Azure cannot have made it,  TestCreateIsRefused, TestCreateIsUnreachable,
//	or does not list it.                                         TestSearchFails
//	A try has one batch. A second one is cancelled.              TestSubmitTwiceAtOnce, TestSubmitFindsAnothersBatch,
//	                                                             TestTwinCannotBeCancelled
//	A batch is believed lost after five polls that do not find   TestAzureLosesTheBatch
//	it.
//	A try is settled with all of its answers, or with none that  TestOutputIsNotReady, TestDownloadFails,
//	can be had, and once.                                        TestGiveUpWithoutAnswers, TestTryWithoutRequests
//	A line is tried as often as the job's settings say, at       TestTriesAreBounded
//	most.
//	What was cancelled is not sent, and what was sent is         TestCancelledBeforeItIsSent,
//	cancelled in Azure and collected.                            TestCancelWhileCreating, TestCancel,
//	                                                             TestCancelOfABatchThatEnds
//	A batch that does not end, or that somebody cancels in       TestBatchThatDoesNotEnd,
//	Azure, is not sent again.                                    TestBatchIsCancelledInAzure
//	No batch goes on unseen after its part was given up.         TestGiveUpLostBatch, TestGiveUpWithoutAnswers
//	An online call whose answer was recorded is not made again.  TestOnlineGoesOn
package batch
