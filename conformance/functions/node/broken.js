exports.handler = () => { oops
