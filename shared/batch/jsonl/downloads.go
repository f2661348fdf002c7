package jsonl

import (
	"io"
	"slices"
)

// maxDownloads is how many lists are downloaded at the same time. A job of many models has a list of each, all from
// the first line of the file to the last; Lambda gives a process 1,024 descriptors.
const maxDownloads = 200

// downloads bounds the open bodies of a merge. Beyond it the one that was read the longest ago is closed, which then
// goes on with another request when it is read again.
type downloads struct {
	open []*download // last read, last in the list
}

type download struct {
	body io.ReadCloser
	all  *downloads
}

func (d *downloads) add(body io.ReadCloser) io.ReadCloser { return &download{body, d} }

func (d *download) Read(p []byte) (int, error) {
	d.all.remove(d)
	if d.all.open = append(d.all.open, d); len(d.all.open) > maxDownloads {
		_ = d.all.open[0].Close() // what was read of it is all that counts
	}
	return d.body.Read(p)
}

func (d *download) Close() error {
	d.all.remove(d)
	return d.body.Close()
}

func (d *downloads) remove(which *download) {
	if i := slices.Index(d.open, which); i >= 0 {
		d.open = slices.Delete(d.open, i, i+1)
	}
}
