package console

import (
	"strings"
	"testing"
)

const plan = "Two plans for the release week:\n\n" +
	"| | Plan A | Plan B |\n|---|---|---|\n| Freeze | Monday | Wednesday |\n| Tests | two days | one day |\n| Release | Thursday | Friday |\n\n" +
	"**Plan A** leaves a day to mend what the tests find. To start it:\n\n" +
	"```sh\ngit switch -c release/42\nmake test && make deploy\n```\n\nIf the freeze has to move, take `Plan B` and tell the support team by Tuesday.\n"

// The pictures for README and shared/batch/README.md. When the page has changed, run this test by itself and copy dist/pictures/readme-*.png to
// functions/console, without "readme-".
func TestReadmePictures(t *testing.T) {
	p := open(t, 1180, 760)
	p.connect()
	p.choose("#model0", "gpt-5.4-mini")
	p.answer(strings.SplitAfter(plan, " ")...)
	p.ask("Compare the two plans for our release week.")
	p.picture("readme-chat")

	p.press("Batches")
	p.press("Try an example")
	p.press("Upload and survey")
	p.press("Start the batch")
	p.says(".batch:first-child h3", "example.jsonl")
	p.says(".batch:first-child .tag", "Completed")
	p.upload(".drop", p.file("reviews-november.jsonl", request("gpt-4o-mini", "a", "Summarise: it broke.")+request("gpt-5.4-mini", "b", "Summarise: it works.")+"{}\n"))
	p.press("Upload and survey")
	p.says(".panel .figures", "Lines")
	p.picture("readme-batches")
}
