package compile

// The mapping templates of the integration "lambda" turn a request into the event that functions of that integration
// expect: body, method, principalId, stage, cognitoPoolClaims, enhancedAuthContext, headers, query, path, identity,
// stageVariables and requestPath, https://www.serverless.com/framework/docs/providers/aws/events/apigateway#example-lambda-event-before-customization.
// The text is our own; the events are the Framework's.

// claimsPlace is where the chosen claims of an authorizer go.
const claimsPlace = "@claims@"

const eventTemplate = `#define( $fields )#foreach( $name in $from.keySet() )` +
	`"$util.escapeJavaScript($name)": "$util.escapeJavaScript($from.get($name)).replaceAll("\\'", "'")"` +
	`#if( $foreach.hasNext ), #end#end#end
{
  "body": $body,
  "method": "$context.httpMethod",
  "principalId": "$context.authorizer.principalId",
  "stage": "$context.stage",
  "cognitoPoolClaims": {` + claimsPlace + `"sub": "$context.authorizer.claims.sub"},
  #set( $from = $context.authorizer )"enhancedAuthContext": {$fields},
  #set( $from = $input.params().header )"headers": {$fields},
  #set( $from = $input.params().querystring )"query": {$fields},
  #set( $from = $input.params().path )"path": {$fields},
  #set( $from = $context.identity )"identity": {$fields},
  #set( $from = $stageVariables )"stageVariables": {$fields},
  "requestPath": "$context.resourcePath"
}
`

// jsonRequestTemplate passes on the body as the JSON value that it is.
const jsonRequestTemplate = `#set( $body = $input.json("$") )` + "\n" + eventTemplate

// formRequestTemplate passes on the fields of a form as a map.
const formRequestTemplate = `#define( $body ){#foreach( $field in $input.path("$").split("&") )` +
	`#set( $parts = $field.split("=") )#if( $parts.size() >= 1 )` +
	`"$util.escapeJavaScript($util.urlDecode($parts[0]))": ` +
	`"#if( $parts.size() >= 2 )$util.escapeJavaScript($util.urlDecode($parts[1])).replaceAll("\\'", "'")#end"` +
	`#if( $foreach.hasNext ), #end#end#end}#end` + "\n" + eventTemplate
