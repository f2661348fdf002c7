// Package batch answers files of requests: it has package claims admit a JSONL file, package plan cut it into parts, package
// part have Azure OpenAI answer each of them, as a batch or line by line where Azure takes no batch, and puts the answers
// together in the file's order. Package progress says meanwhile how far a job is, and package ending ends jobs before their
// time. All it remembers is the objects that package job describes, so that every task may be killed and
// begun again. It does not know what a prompt means, how a workflow waits, or Lambda.
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
//	          cancelling,            the end: the object has cancelled jobs of another, or there were none
//	          nothing_to_cancel
//	          duplicate, ignored     the end: the job is another execution's or answers the same content already, or
//	                                 the object is a folder's marker
//	submit    submitted              wait, then poll
//	          no_room                wait, then submit: the quota is full or too small, Azure still looks at the
//	                                 file, or a batch may have been made and is looked for again
//	          working                wait if need be, then submit: online calls are left
//	          ended                  collect
//	poll      running                wait, then poll
//	          no_room                wait, then submit: the batch failed for want of quota, or for its endpoint
//	          ended                  collect
//	collect   not_ready              wait, then collect: Azure has announced or counted answers and does not have
//	                                 them, or a second batch of the part has not ended
//	          again                  submit, the next try
//	          done                   the part's end
//	give-up   done                   the part's end
//	report                           the job's end
//	stopped                          of EventBridge, not of the workflow: an execution was stopped
//
// The workflow repeats a task that fails, and anyone may repeat any task at any time. A part whose task fails for good
// is given up. The report comes after the last part.
//
// # What holds
//
// Each of these holds whatever is killed, repeated or refused, and its tests fail if it does not. What holds of plans is
// told by package plan.
//
//	Each line comes back once, in the file's order.              TestDrop, TestPlanGoesOn, TestMisbehaviour,
//	                                                             TestManyGroupsAreAnswered,
//	                                                             TestReportOfManyLists, TestReportOfManyNames,
//	                                                             TestReportWithoutParts
//	One write of an object is one job, and one execution works   TestSameEventTwice
//	on it.
//	What a job answers, or has just answered in every line, has  TestSameContentAgain, TestWritesAtOnce
//	no second one.
//	Results are never written over another job's. Their plain    TestResultsAreNeverOverwritten, TestNamePassesOn,
//	name passes on from a job that delivered nothing.            TestNameHasPassedOn, TestNameOfAJobTakenOver
//	What an owner cancels by an object ends, whether an          in infra/workflows
//	execution works on it or not. A job whose execution was
//	stopped says so, and goes on where it stood.
//	A job's status says what holds it up as soon as a task       TestStatusOfTrouble, TestStatusOfAPlanThatFails,
//	meets it, and its end; a status holds no job up.             TestStatus, TestStatusCannotBeWritten
//	Nothing is sent that may cost more than the ceiling.         TestRefusals, TestCeilingHoldsAgainstHugeLimits
//	No part, try or online call begins for which there is not    TestCeilingDuring, TestCeilingDuringOnlineCalls,
//	enough left of the ceiling.                                  TestCeilingBeforeOnlineInPlaceOfBatch,
//	                                                             TestAccountOfPartsAtOnce
//	The summary's money is that of the tokens that were          TestSummaryByHand
//	answered.
//	A file is uploaded again only where Azure cannot have it,    TestUploadIsRefused, TestFileIsNotReady,
//	or does not list it. None is left at the end.                TestSearchFails, TestUploadMayHaveHappened
//	A batch is made again only where Azure cannot have made it,  TestCreateIsRefused, TestCreateIsUnreachable,
//	or has not listed it for four minutes.                       TestSearchFails, TestCreateMayHaveHappened,
//	                                                             TestLooksAreNotCutShort, TestSearchEnds
//	A try has one batch. A second one is cancelled, and what it  TestSubmitTwiceAtOnce, TestSubmitFindsAnothersBatch,
//	may have cost is in the summary.                             TestDuplicateCannotBeCancelled,
//	                                                             TestCreateMayHaveHappened,
//	                                                             TestCreateOvertakesGivingUp
//	A part that is larger than the quota is sent in pieces, and  TestQuotaIsTooSmall, TestQuotaWithoutALimit,
//	one that may fit waits.                                      TestQuotaIsFull
//	A batch is believed lost after five polls that do not find   TestAzureLosesTheBatch
//	it.
//	A try is settled with all of its answers, or once those      TestOutputIsNotReady, TestOutputIsShort,
//	that are missing have been waited for, and once.             TestOutputHasFewerBytes, TestDownloadFails,
//	                                                             TestGiveUpWithoutAnswers, TestTryWithoutRequests
//	The requests of the lines that failed come back as they      TestFailedLines, TestFailedLinesOfASource
//	stood in the source.
//	A line is tried as often as the job's settings say, at       TestTriesAreBounded, TestTriesOfACutPart
//	most.
//	What was cancelled is not sent, and what was sent is         TestCancelledBeforeItIsSent,
//	cancelled in Azure and collected.                            TestCancelWhileCreating, TestCancel,
//	                                                             TestCancelOfABatchThatEnds
//	A batch that does not end is cancelled and sent again, and   TestBatchThatDoesNotEnd,
//	one that somebody cancels in Azure is not.                   TestBatchIsCancelledInAzure
//	No batch goes on unseen after its part was given up.         TestGiveUpLostBatch, TestGiveUpWithoutAnswers,
//	                                                             TestGivenUpBatchCannotBeCancelled
//	An online call whose answer was recorded is not made again.  TestOnlineGoesOn, TestOnlineRunIsKilled
//	Those under way when a run is killed are in the summary.
package batch
