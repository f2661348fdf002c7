// Package part takes the parts of a job through their tries: it brings a part's requests to Azure OpenAI as a batch, or has
// package online make calls, follows the batch, and settles each line. Its tasks may be killed and repeated at any point,
// and run twice at the same time. It does not know how a job is planned or reported, or how a workflow waits.
//
// # What may have happened
//
// A call whose answer is lost may have been carried out. Of an upload that is no matter: the file is used if Azure lists it,
// and otherwise deleted at the end. A create is paid for. So its batch is looked for at 0, 1, 2 and 4 minutes, since Azure's
// lists may be behind, and only then given up, by a record that is written once: it names the batch, or none. The input file is deleted before the next create, so that a batch that Azure makes late has nothing to answer. Where
// one turns up all the same, Collect cancels and counts it.
//
// # What does not fit
//
// Where the quota of enqueued tokens is smaller than the part, a try sends the first lines only, as many as fit. The others
// are the next try's, for the reason no_room, and have not been tried by that.
package part
