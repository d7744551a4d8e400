def handler(event, context):
    oops(
