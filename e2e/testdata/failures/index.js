exports.fails = async () => {
  throw new Error("no");
};

exports.works = async (event) => ({ answer: event.question });
