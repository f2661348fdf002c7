// Package online answers the requests of a try by online calls, some at once, and records each answer. It does not know
// what becomes of an answer, or whether a request gets another try.
package online
