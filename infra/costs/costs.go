// Package costs says what AWS charges for a deployed stack: for a million calls, by the functions' memory and by how long
// the model takes, and for a month in which nobody calls. A test writes its README from it. Azure's charges for tokens are
// no matter of its, nor are taxes, free tiers, discounts and what goes out to the internet.
package costs

import (
	"fmt"
	"strings"
)

// A price is what AWS asks for a unit, in USD, in US East (N. Virginia).
type price struct {
	what   string
	usd    float64
	unit   string
	source string
}

// Most of AWS's own pages show amounts only to a browser that runs their scripts. These are then cited from others, who
// quote them, and are marked.
var (
	apiRequests    = price{"API Gateway, REST API", 3.50, "a million requests (the first 333 million of a month)", "unverified: amnic.com/blogs/aws-api-gateway-pricing quotes AWS"}
	lambdaRequests = price{"Lambda, requests", 0.20, "a million", "unverified: cloudchipr.com/blog/aws-lambda-pricing quotes AWS"}
	lambdaDuration = price{"Lambda, duration on arm64", 0.0000133334, "a GB-second (the first 7.5 billion of a month)", "unverified: cloudchipr.com/blog/aws-lambda-pricing quotes AWS"}
	logs           = price{"CloudWatch, logs", 0.50, "a GB that comes in", "unverified: factualminds.com, Amazon CloudWatch Pricing, 2026-06-13, quotes AWS"}
	metric         = price{"CloudWatch, custom metric", 0.30, "a metric and month, by the hours in which it has values", "unverified: signoz.io/guides/cloudwatch-pricing, 2026-02-15, quotes AWS"}
	secret         = price{"Secrets Manager", 0.40, "a secret and month", "unverified: hivebook.wiki, AWS Secrets Manager, quotes AWS"}
	kmsKey         = price{"KMS key of your own", 1.00, "a key and month", "aws.amazon.com/kms/pricing"}
	alarm          = price{"CloudWatch, alarm", 0.10, "a metric that an alarm looks at, and month", "unverified"}
	dashboard      = price{"CloudWatch, dashboard", 3.00, "a month", "unverified: factualminds.com, as above, quotes AWS"}
)

const (
	million     = 1_000_000
	logBytes    = 1300 // of a call: the function's own line, and Lambda's three
	callMetrics = 12   // of one function with one deployment: six, each with and without the deployment
)

var (
	memories = []float64{128, 256, 512} // MB
	answers  = []float64{2, 10, 60}     // seconds
)

// ofDuration is what Lambda charges for the time of a million calls.
func ofDuration(memoryMB, seconds float64) float64 {
	return million * seconds * memoryMB / 1024 * lambdaDuration.usd
}

// ofCalls is what a million calls cost, however long they take.
func ofCalls() (gateway, requests, logged float64) {
	return apiRequests.usd, lambdaRequests.usd, million * logBytes / 1e9 * logs.usd
}

// tables returns the README's tables in Markdown. alarmMetrics is how many metrics the template's alarms look at.
func tables(alarmMetrics int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	gateway, requests, logged := ofCalls()
	every := gateway + requests + logged

	line("A million calls, in USD: %.2f for API Gateway, %.2f for Lambda's requests, %.2f for %.1f GB of logs, and Lambda's duration.\n",
		gateway, requests, logged, million*logBytes/1e9)
	b.WriteString("| memory |")
	for _, seconds := range answers {
		fmt.Fprintf(&b, " answers of %g s |", seconds)
	}
	line("\n|---|---|---|---|")
	for _, memory := range memories {
		fmt.Fprintf(&b, "| %g MB |", memory)
		for _, seconds := range answers {
			fmt.Fprintf(&b, " %.2f |", every+ofDuration(memory, seconds))
		}
		line("")
	}

	line("\nA month, in USD, however many calls there are:\n\n| | |\n|---|---|")
	line("| the two secrets | %.2f |", 2*secret.usd)
	line("| metrics of each function with each deployment, while it is called every hour: %d | %.2f |", callMetrics, callMetrics*metric.usd)
	line("| with `KmsKeyArn`: the key | %.2f |", kmsKey.usd)
	line("| with `AlarmEmail`: alarms, which look at %d metrics | %.2f |", alarmMetrics, float64(alarmMetrics)*alarm.usd)
	line("| with `Dashboard=true` | %.2f |", dashboard.usd)

	line("\nThe prices are AWS's for US East (N. Virginia), before free tiers and discounts:\n\n| what | USD | for | source |\n|---|---|---|---|")
	for _, p := range []price{apiRequests, lambdaRequests, lambdaDuration, logs, metric, secret, kmsKey, alarm, dashboard} {
		amount := strings.TrimRight(fmt.Sprintf("%.10f", p.usd), "0")
		if p.usd >= 0.01 {
			amount = fmt.Sprintf("%.2f", p.usd)
		}
		line("| %s | %s | %s | %s |", p.what, amount, p.unit, p.source)
	}
	return b.String()
}
