// Package plan decides what becomes of a file of requests: it reads the file once, line by line, and
// cuts it into parts, or surveys it without writing anything. It estimates what the job will cost. It sends nothing
// to Azure and does not know how a part is answered.
//
// # What holds
//
// Each of these holds whatever is killed or repeated, and its tests fail if it does not.
//
//	A line of the file is in one part or among the rejected,     TestEachPassGoesOn, TestKilledPasses,
//	and in no second one.                                        TestPlanOfAnEarlierVersion
//	Parts have the lines that they would have if each group of   TestPartsWhateverTheOrder,
//	lines came alone.                                            TestMoreGroupsThanAreOpen
//	A job has at most 1,000 groups, and an error in the middle   TestManyNames, TestAbandon
//	of a pass leaves nothing open.
//	A survey finds what a plan would.                            TestSurveyIsThePlan, TestSurveyGoesOn
//	A file is read alike compressed and plain, from any offset.  TestSurveyIsThePlan, TestEachPassGoesOn
//	No line is for a deployment that its owner's key may not     TestPartsOfTwins, TestLinesOfBoundKeys
//	use.
package plan
