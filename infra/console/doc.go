// Package console tests the console in a real browser: the page of the deployed bootstrap, against the local stack. The
// tests need chromium, so that only `make test-console` runs them. It does not know how the page is made.
package console
