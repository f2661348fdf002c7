package console

import "testing"

func TestSearch(t *testing.T) {
	p := open(t, 1280, 900)
	p.connect()
	p.press("Search")
	p.press("Use an example")
	eval[any](p, `document.querySelector(".ask button").click()`)
	p.says(".ranked", "Returns: damaged goods")
	p.fill(".ask input", "Parcels abroad take a week.")
	eval[any](p, `document.querySelector(".ask button").click()`)
	p.says(".ranked li:first-child", "Parcels abroad take a week.")
	p.says(".ranked li:first-child", "1.000")
	if n := eval[int](p, `document.querySelectorAll(".map circle").length`); n != 9 {
		t.Errorf("the map has %d points, want 9", n)
	}
	p.picture("search")
	p.fill(".ask input", "")
	eval[any](p, `document.querySelector(".ask button").click()`)
	p.says(".note", "Give lines to search")
}
