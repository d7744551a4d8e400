require('not-there'); exports.handler = () => {};
