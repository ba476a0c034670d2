using System.Net;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Comments;

public sealed class TopicCountTests(ServiceFixture fixture)
{
    [Theory]
    [InlineData("topic=%20")]
    [InlineData("topic=a%00b")]
    [InlineData("topic=fine&topic=")]
    public async Task A_topic_that_cannot_be_is_400(string query) =>
        await (await fixture.Client().Get($"/topics/counts?{query}")).Problem(HttpStatusCode.BadRequest, "validation_failed");
}
