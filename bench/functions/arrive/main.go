// Command arrive is a function that reads a stream and says, for each record, that it has begun to: it sends the item's key
// to the UDP address in ARRIVALS. When that was is what is measured.
package main

import (
	"context"
	"net"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	conn, err := net.Dial("udp", os.Getenv("ARRIVALS"))
	lambda.Start(func(_ context.Context, e events.DynamoDBEvent) error {
		if err != nil {
			return err
		}
		for _, r := range e.Records {
			if _, err := conn.Write([]byte(r.Change.Keys["pk"].String())); err != nil {
				return err
			}
		}
		return nil
	})
}
